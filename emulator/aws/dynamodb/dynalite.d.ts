declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    /** directory of the LevelDB store; in memory if missing */
    readonly path?: string;
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }

  export default function dynalite(options: Options): Server;
}
