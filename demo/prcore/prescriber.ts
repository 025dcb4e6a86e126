import { Injectable } from '@nestjs/common';
import { evaluate } from './evaluation.js';
import type { Quality } from './evaluation.js';
import type { Trace } from './event-log.js';
import { NextActivityPredictor } from './next-activity.predictor.js';

/** What made a prescription, and how far it can be trusted. */
export interface Plugin extends Quality {
  readonly name: string;
  readonly description: string;
}

/** The share of the cases that the predictor learns from: the earliest. It is measured on those that came later. */
const TRAINING_SHARE = 0.8;

/** Says for a running case what to do next, from what it learned of the cases before. */
@Injectable()
export class Prescriber {
  readonly plugin: Plugin;
  /** The cases that were kept out of the training, in the order in which they started. */
  readonly heldOut: readonly Trace[];
  readonly #predictor: NextActivityPredictor;

  /** Learns from the earlier cases of a log and measures itself on the later ones. */
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

  /** What comes next after these activities of a case. */
  nextActivity(activities: readonly string[]): string | undefined {
    return this.#predictor.predict(activities);
  }
}

function activitiesOf(trace: Trace): string[] {
  return trace.map((event) => event.activity);
}
