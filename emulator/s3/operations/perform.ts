import type { Operation } from '../http/route.ts';
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  getNotifications,
  headBucket,
  listBuckets,
  putNotifications,
} from './buckets.ts';
import type { Answer, Call, Server } from '../call.ts';
import { completeUpload } from './complete-upload.ts';
import { deleteObject, deleteObjects } from './delete-object.ts';
import { listObjects, listObjectsV2 } from './list-objects.ts';
import { listParts, uploadPart, uploadPartCopy } from './parts.ts';
import { getObject, headObject, restoreObject } from './read-object.ts';
import { deleteTagging, getTagging, putTagging } from './tagging.ts';
import { abortUpload, createUpload, listUploads } from './uploads.ts';
import { copyObject, putObject } from './write-object.ts';

const operations: Readonly<Record<Operation, (call: Call, server: Server) => Answer | Promise<Answer>>> = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  GetBucketNotificationConfiguration: getNotifications,
  PutBucketNotificationConfiguration: putNotifications,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListMultipartUploads: listUploads,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  CopyObject: copyObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  RestoreObject: restoreObject,
  GetObjectTagging: getTagging,
  PutObjectTagging: putTagging,
  DeleteObjectTagging: deleteTagging,
  CreateMultipartUpload: createUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  ListParts: listParts,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
};

/**
 * Performs the operation of a request.
 * @throws S3Error the error to answer
 */
export async function perform(call: Call, server: Server): Promise<Answer> {
  return operations[call.info.operation](call, server);
}
