/** A local S3: the operations S3 Ferry uses, with S3's semantics, on one directory and any `http.Server`. */
export { httpServerOptions, openS3Server, type S3Server } from './server.ts';
export type { Fault, FaultHook, FinishedRequest, Notification, RequestInfo, S3ServerOptions } from './options.ts';
export type { Operation } from './http/route.ts';
