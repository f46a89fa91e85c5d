/** S3 over a directory, as a request listener for any `http.Server`. See ../README.md. */
export { httpServerOptions, openS3Server, type S3Server } from './server.ts';
export type {
  AccessRequest,
  Fault,
  FaultHook,
  FinishedRequest,
  Notification,
  RequestInfo,
  S3ServerOptions,
} from './options.ts';
export type { Operation } from './http/route.ts';
export { personalities, type PersonalityName } from './personalities/index.ts';
export type { Personality } from './personalities/personality.ts';
export { covered } from './personalities/request.ts';
