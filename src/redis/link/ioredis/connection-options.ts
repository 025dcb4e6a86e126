/**
 * Options of each connection, which replace those of the application.
 *
 * A connection is used once. A command is therefore never queued while there is no connection, and never sent a second time
 * without the library knowing it: an append whose answer was lost must not be repeated behind its back.
 */
export const CONNECTION_OPTIONS = {
  lazyConnect: true,
  retryStrategy: null,
  sentinelRetryStrategy: null,
  reconnectOnError: null,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  disconnectTimeout: 0,
  commandTimeout: undefined,
  socketTimeout: undefined,
  blockingTimeout: undefined,
  // The names and replies have to be those that Redis knows.
  keyPrefix: '',
  stringNumbers: false,
  replyMapping: 'legacy',
  readOnly: false,
  monitor: false,
  enableAutoPipelining: false,
  showFriendlyErrorStack: false,
  scripts: undefined,
  himportFieldsets: undefined,
} as const;
