import { BadRequestException } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';

/** What a parameter may be. */
export interface WholeNumberRange<Fallback> {
  readonly min: number;
  readonly max: number;
  /** What it is when the client does not give it. */
  readonly fallback: Fallback;
}

/** A query parameter that is a whole number within a range; anything else is answered with 400. */
export class WholeNumberPipe<Fallback extends number | undefined> implements PipeTransform {
  constructor(private readonly range: WholeNumberRange<Fallback>) {}

  /** @throws {BadRequestException} naming the parameter and its range. */
  transform(value: unknown, { data: name }: ArgumentMetadata): number | Fallback {
    const { min, max, fallback } = this.range;
    if (value === undefined) return fallback;
    const number = Number(value);
    if (typeof value === 'string' && /^\d{1,15}$/.test(value) && number >= min && number <= max)
      return number;
    throw new BadRequestException(`${name} must be a whole number from ${min} to ${max}.`);
  }
}
