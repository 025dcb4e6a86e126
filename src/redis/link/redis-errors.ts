/** Error codes of a Redis that cannot execute commands at the moment. The command had no effect. */
const TRANSIENT = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNBLOCKED',
]);

/** The code of an error reply; `undefined` if the error is not a reply of Redis. */
export function replyCode(error: unknown): string | undefined {
  const [reply = error] = (error as { replies?: readonly unknown[] } | undefined)?.replies ?? [];
  // Not `instanceof ErrorReply`: the client of the application may come from another copy of the package.
  return reply instanceof Error ? /^([A-Z]{2,})(?: |$)/.exec(reply.message)?.[1] : undefined;
}

/** True if a retry may succeed: there is no connection, or Redis is loading, out of memory or changing its role. */
export function isTransient(error: unknown): boolean {
  const code = replyCode(error);
  return code === undefined ? !(error instanceof TypeError) : TRANSIENT.has(code);
}
