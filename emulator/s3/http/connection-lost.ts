/** The connection ended before the request or the answer did. */
export class ConnectionLost extends Error {}
