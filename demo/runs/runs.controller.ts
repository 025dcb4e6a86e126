import {
  Body,
  Controller,
  Delete,
  Param,
  Post,
  ServiceUnavailableException,
  UseFilters,
} from '@nestjs/common';
import { LastEventId, Runs, Sse, type ChannelSubscription, type RunStatus } from 'nestjs-event-stream';
import { SseErrorFilter } from '../channels/sse-error.filter.js';
import { Answers } from './answers.service.js';
import { readQuestion } from './question.body.js';

/** The state of a run. */
export interface RunView {
  readonly id: string;
  readonly status: RunStatus | undefined;
}

/** Maximum number of runs in this process. */
const MAX_RUNS = 500;

/** Answers that are written whether or not a client reads them. */
@Controller('runs')
export class RunsController {
  constructor(
    private readonly runs: Runs,
    private readonly answers: Answers,
  ) {}

  @Post(':id')
  @UseFilters(SseErrorFilter)
  async start(@Param('id') id: string, @Body() body: unknown): Promise<RunView> {
    const question = readQuestion(body);
    if (this.runs.size() >= MAX_RUNS) throw new ServiceUnavailableException('Too many runs.');
    await this.runs.start(id, (signal) => this.answers.answer(question, signal));
    return { id, status: 'running' };
  }

  @Sse(':id', { lastEventIdQuery: true })
  view(@Param('id') id: string, @LastEventId() after: string | undefined): Promise<ChannelSubscription> {
    return this.runs.attach(id, { after });
  }

  @Delete(':id')
  @UseFilters(SseErrorFilter)
  async stop(@Param('id') id: string): Promise<RunView> {
    await this.runs.stop(id);
    return { id, status: await this.runs.status(id) };
  }
}
