import type { Target } from './target.ts';
import { httpTarget, xmlTarget } from './targets/client.ts';
import { configurationTarget, globsTarget, messagesTarget, schedulesTarget } from './targets/input.ts';
import { parsersTarget, serverTarget } from './targets/server.ts';

/** All targets, by name. */
export const targets: Readonly<Record<string, () => Target | Promise<Target>>> = {
  xml: xmlTarget,
  http: httpTarget,
  messages: messagesTarget,
  configuration: configurationTarget,
  globs: globsTarget,
  schedules: schedulesTarget,
  parsers: parsersTarget,
  server: serverTarget,
};
