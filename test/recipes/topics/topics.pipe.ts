import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

export const TOPICS = ['news', 'sport', 'weather'];

/** Reads `topics=news,weather`. A client cannot subscribe to any other channel of the application. */
@Injectable()
export class TopicsPipe implements PipeTransform {
  transform(value: unknown): string[] {
    const topics = typeof value === 'string' ? value.split(',') : [];
    if (topics.length === 0 || !topics.every((topic) => TOPICS.includes(topic))) {
      throw new BadRequestException(`Name topics of ${TOPICS.join(', ')}.`);
    }
    return topics;
  }
}
