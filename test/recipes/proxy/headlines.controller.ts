import { BadGatewayException, Controller, HttpException, NotFoundException, Param } from '@nestjs/common';
import { event, eventsOf, LastEventId, retryAfter, Sse, SseSignal } from 'nestjs-event-stream';

@Controller()
export class HeadlinesController {
  // `complete`: clients reconnect when the feed ends. `openAfterMs`: the feed has 30 s to answer before the head is sent.
  @Sse('headlines/:feed', { complete: 'reconnect', openAfterMs: 30_000 })
  async *headlines(
    @Param('feed') feed: string,
    @SseSignal() signal: AbortSignal,
    @LastEventId() after?: string,
  ) {
    try {
      const response = await fetch(`${process.env.FEEDS_URL}/${encodeURIComponent(feed)}`, {
        headers: after === undefined ? {} : { 'last-event-id': after },
        signal,
      });
      if (response.status === 404) throw new NotFoundException('There is no such feed.');
      for await (const upstream of eventsOf(response)) {
        if (upstream.type !== 'headline') yield upstream;
        else yield event({ ...upstream, data: (upstream.data ?? '').toUpperCase() });
      }
    } catch (cause) {
      if (cause instanceof HttpException || signal.aborted) throw cause;
      // An event before the error makes it an error event, after which an EventSource reconnects. It never does after a 502.
      yield retryAfter(5000);
      throw new BadGatewayException('The feed is not available.', { cause });
    }
  }
}
