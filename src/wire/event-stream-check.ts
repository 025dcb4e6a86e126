/** A line with a field of the event stream format. */
const FIELD = /^(data|event|id|retry)(?::|$)/;
const NAMES = ['data', 'event', 'id', 'retry'];
const LINE_END = /\r\n|\n|\r/;

/** The maximum length of the text that is checked. */
const MAX_LENGTH = 65_536;

/**
 * Recognizes text that is already in the event stream format, by its first block: known fields, at least one of them `data`, and
 * a blank line. Text with any other line before that is not an event stream.
 */
export class EventStreamCheck {
  private text = '';
  /** True once later text can no longer change the answer. */
  decided = false;

  /** True if the text up to and including this piece starts with a block. */
  isEventStream(piece: string): boolean {
    this.text += piece;
    const lines = this.text.replace(/^\uFEFF/, '').split(LINE_END);
    const unfinished = lines.pop();
    let hasData = false;
    for (const line of lines) {
      if (line === '' && hasData) return (this.decided = true);
      if (line === '' || line.startsWith(':')) continue;
      const field = FIELD.exec(line)?.[1];
      if (field === undefined) return this.no();
      hasData ||= field === 'data';
    }
    return this.text.length > MAX_LENGTH || !mayBeField(unfinished) ? this.no() : false;
  }

  private no(): false {
    this.decided = true;
    this.text = '';
    return false;
  }
}

/** True if the start of a line can become a field or a comment. */
function mayBeField(start = ''): boolean {
  return start.startsWith(':') || FIELD.test(start) || NAMES.some((name) => name.startsWith(start));
}
