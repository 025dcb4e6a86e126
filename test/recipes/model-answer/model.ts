import { BadGatewayException, Injectable, ServiceUnavailableException } from '@nestjs/common';
import OpenAI from 'openai';

@Injectable()
export class Model {
  private readonly client = new OpenAI({
    baseURL: process.env.MODEL_URL,
    apiKey: process.env.MODEL_KEY ?? 'none',
    maxRetries: 0,
  });

  /** Yields the answer in pieces. The signal cancels the request to the model. */
  async *answer(prompt: string, signal: AbortSignal): AsyncGenerator<string> {
    let finished = false;
    try {
      const chunks = await this.client.chat.completions.create(
        { model: 'small', messages: [{ role: 'user', content: prompt }], stream: true },
        { signal },
      );
      for await (const { choices } of chunks) {
        finished ||= Boolean(choices[0]?.finish_reason);
        const text = choices[0]?.delta.content;
        if (text) yield text;
      }
    } catch (cause) {
      if (cause instanceof OpenAI.RateLimitError) {
        throw new ServiceUnavailableException('The model is busy. Ask again later.', { cause });
      }
      throw new BadGatewayException('The model does not answer.', { cause });
    }
    if (!finished) throw new BadGatewayException('The answer of the model is not complete.');
  }
}
