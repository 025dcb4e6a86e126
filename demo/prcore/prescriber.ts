import { Injectable } from '@nestjs/common';
import { evaluate } from './evaluation.js';
import type { Quality } from './evaluation.js';
import type { Trace } from './event-log.js';
import { NextActivityPredictor } from './next-activity.predictor.js';

/** The predictor that made a prescription, and its measured quality. */
export interface Plugin extends Quality {
  readonly name: string;
  readonly description: string;
}

/** Share of the cases that the predictor learns from: the earliest ones. Its quality is measured on the later ones. */
const TRAINING_SHARE = 0.8;

/** Predicts the next activity of a running case from earlier cases. */
@Injectable()
export class Prescriber {
  readonly plugin: Plugin;
  /** The cases that were not used for training, in the order in which they started. */
  readonly heldOut: readonly Trace[];
  readonly #predictor: NextActivityPredictor;

  /** Trains on the earlier cases of a log, and measures the quality on the later ones. */
  constructor(log: readonly Trace[]) {
    const split = Math.floor(log.length * TRAINING_SHARE);
    this.heldOut = log.slice(split);
    this.#predictor = new NextActivityPredictor().train(log.slice(0, split).map(activitiesOf));
    this.plugin = {
      name: 'Variable-order Markov chain',
      description: `The most frequent next activity after the latest ones, learned from ${split} cases, measured on ${this.heldOut.length} later ones.`,
      ...evaluate((activities) => this.nextActivity(activities), this.heldOut.map(activitiesOf)),
    };
  }

  /** The next activity after these activities of a case. */
  nextActivity(activities: readonly string[]): string | undefined {
    return this.#predictor.predict(activities);
  }
}

function activitiesOf(trace: Trace): string[] {
  return trace.map((event) => event.activity);
}
