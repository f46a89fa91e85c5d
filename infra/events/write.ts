import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ferryApp } from '../app.ts';
import { notificationsOf } from '../notifications.ts';
import { refuseOverQuota } from '../quotas/assembly.ts';
import type { Task } from '../../shared/model/config/task.ts';
import { eventPlaces, sendersDirectory } from './places.ts';
import { EventSender } from './sender.ts';

/**
 * Writes the templates of the places from which tasks need events, `events/<place>.template.json`, and removes those of
 * former configurations.
 * @param assembly the directory of the cloud assembly
 * @throws Fault `InvalidTask` if AWS would refuse one of them
 */
export function writeEventSenders(assembly: string, tasks: readonly Task[]): void {
  const outdir = join(assembly, sendersDirectory);
  rmSync(outdir, { recursive: true, force: true });
  const places = eventPlaces(notificationsOf(tasks));
  if (places.length === 0) return;
  const app = ferryApp({ outdir, treeMetadata: false });
  for (const place of places) new EventSender(app, place);
  refuseOverQuota(app.synth());
}
