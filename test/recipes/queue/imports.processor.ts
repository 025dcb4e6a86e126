import { Processor, WorkerHost } from '@nestjs/bullmq';
import type { Job } from 'bullmq';

/** Works on a job, in this process or in another one. Knows nothing of streams. */
@Processor('imports')
export class ImportsProcessor extends WorkerHost {
  async process(job: Job<{ rows: number[] }>): Promise<{ sum: number }> {
    let sum = 0;
    for (const [done, row] of job.data.rows.entries()) {
      if (!Number.isFinite(row)) throw new Error(`Row ${done} is not a number.`);
      sum += row;
      await job.updateProgress({ done: done + 1, of: job.data.rows.length });
    }
    return { sum };
  }
}
