import { OnQueueEvent, QueueEventsHost, QueueEventsListener } from '@nestjs/bullmq';
import { Channels, event } from 'nestjs-event-stream';

/**
 * Publishes what the queue reports of its jobs. Each process reads all that the queue has kept, so the memory log of each has
 * the same events.
 */
@QueueEventsListener('imports', { lastEventId: '0' })
export class ImportsEvents extends QueueEventsHost {
  constructor(private readonly channels: Channels) {
    super();
  }

  follow(job: string, after?: string) {
    return this.channels.channel(`import:${job}`).subscribe({
      after,
      from: 'oldest',
      until: ({ type }) => type === 'done' || type === 'failed',
    });
  }

  @OnQueueEvent('progress')
  onProgress({ jobId, data }: { jobId: string; data: unknown }, id: string) {
    return this.publish(jobId, id, 'progress', data);
  }

  @OnQueueEvent('completed')
  onCompleted({ jobId, returnvalue }: { jobId: string; returnvalue: unknown }, id: string) {
    return this.publish(jobId, id, 'done', returnvalue);
  }

  // The reason is for the log, not for clients.
  @OnQueueEvent('failed')
  onFailed({ jobId }: { jobId: string }, id: string) {
    return this.publish(jobId, id, 'failed', {});
  }

  /** The id in the queue's own log is the same in every process. So a client can resume in another one. */
  private async publish(job: string, id: string, type: string, data: unknown) {
    const [ms, number = ''] = id.split('-');
    await this.channels
      .channel(`import:${job}`)
      .publish(event({ id: `${ms}-${number.padStart(6, '0')}`, type, data }));
  }
}
