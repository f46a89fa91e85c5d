import { unknownTraits, type Store } from '../store.ts';

export const wasabi: Store = {
  title: 'Wasabi',
  address: {
    endpoint: {
      is: 'https://s3.{region}.wasabisys.com',
      why: "Wasabi: Service URLs for Wasabi's storage regions (us-east-1 also without a region)",
    },
    // Names such as nl-1 are aliases of regions.
    hosts: [/^s3\.(?:[a-z]{2}-[0-9]+\.)?wasabisys\.com$/, /^s3\.(?<region>[a-z0-9-]+)\.wasabisys\.com$/],
    regions: { is: /^[a-z]{2}-[a-z]+-[0-9]+$/, why: "Wasabi: Service URLs for Wasabi's storage regions" },
    exampleRegion: 'eu-central-1',
    bucketNames: { is: 'store', why: 'Wasabi: Bucket naming rules' },
    style: { is: 'either', why: 'Wasabi: REST API introduction, Host designation' },
  },
  traits: {
    ...unknownTraits,
    tags: { is: 'yes', why: 'Wasabi: Object tagging with the Wasabi S3 API' },
    listVersion: { is: 2, why: 'Wasabi: S3 API reference (as S3 unless it says otherwise)' },
  },
};
