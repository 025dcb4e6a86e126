import type { Conflict, OptionRule } from '../checking/option-check.js';
import { isSseError } from '../errors/sse.errors.js';
import type { AnyContract } from '../events/event-contract.js';
import { validPayload } from '../events/valid-payload.js';
import type { ResolvedEnding } from './ending.options.js';
import type { ResolvedFormat } from './format.options.js';
import type { ResolvedHeartbeat } from './heartbeat.options.js';
import type { ResolvedLifetime } from './lifetime.options.js';

type EventsOfOptions = Pick<ResolvedFormat, 'contract'> &
  Pick<ResolvedEnding, 'complete'> &
  Pick<ResolvedLifetime, 'timeout'> & { heartbeat: false | ResolvedHeartbeat };

/** Events that options name and that the contract describes differently. An event that is not in the contract is free. */
export const CONTRACT_RULES: readonly OptionRule<EventsOfOptions>[] = [
  ({ contract, complete }) =>
    typeof complete === 'object' && broken(contract, 'complete', complete.event, complete.data ?? ''),
  ({ contract, timeout }) =>
    timeout && timeout.data !== undefined && broken(contract, 'timeout', timeout.event, timeout.data),
  ({ contract, heartbeat }) =>
    heartbeat &&
    (heartbeat.event ?? heartbeat.data) !== undefined &&
    broken(contract, 'heartbeat', heartbeat.event, heartbeat.data ?? ''),
];

function broken(
  contract: AnyContract | undefined,
  option: string,
  name = 'message',
  data: unknown,
): Conflict | undefined {
  // The payload that a function makes is not known before there is a request.
  if (!contract || typeof data === 'function' || !(name in contract['~contract'])) return undefined;
  try {
    validPayload(contract, name, data);
  } catch (error) {
    if (!isSseError(error)) throw error;
    return { option: `${option}.data`, value: data, remedy: error.message };
  }
  return undefined;
}
