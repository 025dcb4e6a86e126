import { randomId } from '../../random-id.js';
import { expectAnswer } from '../../time/answer-timer.js';
import type { Clock } from '../../time/clock.js';
import { listen, type ListeningConnection, type NotificationListener } from './listening-connection.js';
import type { ClientFactory } from './postgres-client.js';

/** The reports of a {@link Listener}. */
export interface ListenerEvents {
  notification(payload: string): void;
  /** Notifications arrive from now on. Notifications that were sent before may have been missed. */
  listening(): void;
  /** Notifications do not arrive any more, or did not from the beginning. */
  deaf(why: unknown): void;
}

/** Time for a notification to itself. After that, the connection is taken to go through a pooler. */
const PROOF_MS = 2000;
const PROOF_AGAIN_MS = 30_000;
const PROOF = '?';

/** Receives the notifications of one name. It proves that they arrive by a notification that it sends itself. */
export class Listener implements NotificationListener {
  isListening = false;
  private connection: ListeningConnection | undefined;
  /** The notification that is expected. */
  private proof = '';
  private cancelTimer: (() => void) | undefined;
  private closed = false;

  constructor(
    private readonly factory: ClientFactory,
    readonly name: string,
    /** Sends a notification over another connection. */
    private readonly notify: (payload: string) => Promise<unknown>,
    private readonly events: ListenerEvents,
    private readonly clock: Clock,
    readonly pingMs: number | false,
  ) {}

  open(): void {
    if (!this.closed) this.connection ??= listen(this.factory, this.clock, this);
  }

  close(): void {
    this.closed = true;
    this.isListening = false;
    this.cancelTimer?.();
    this.connection?.remove(this);
  }

  /** Another server answers now. The connection may still lead to the one before. */
  check(): void {
    if (this.isListening) this.prove();
  }

  accepted(): void {
    this.prove();
  }

  lost(error: unknown): void {
    this.cancelTimer?.();
    this.proof = '';
    this.isListening = false;
    this.events.deaf(error);
  }

  notification(payload: string): void {
    if (!payload.startsWith(PROOF)) return this.events.notification(payload);
    if (payload !== this.proof) return;
    this.proof = '';
    this.cancelTimer?.();
    this.connection?.works();
    if (this.isListening) return;
    this.isListening = true;
    this.events.listening();
  }

  private prove(): void {
    const proof = PROOF + randomId(12);
    this.proof = proof;
    // A failure shows as a proof that does not arrive.
    this.notify(proof).catch(() => undefined);
    this.expect(PROOF_MS, () => this.unproven());
  }

  private unproven(): void {
    const why = new Error('a notification was not delivered, as with a pooler in transaction mode');
    if (this.isListening) return this.connection?.replace(why);
    this.events.deaf(why);
    this.expect(PROOF_AGAIN_MS, () => this.prove());
  }

  /** Calls `otherwise` unless the proof arrives before. */
  private expect(ms: number, otherwise: () => void): void {
    this.cancelTimer?.();
    this.cancelTimer = expectAnswer(this.clock, ms, otherwise);
  }
}
