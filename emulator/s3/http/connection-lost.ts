/** The connection ended before the request or the answer was complete. */
export class ConnectionLost extends Error {}
