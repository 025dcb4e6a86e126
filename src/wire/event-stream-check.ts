/** A line of a field that the event stream format knows. */
const FIELD = /^(data|event|id|retry)(?::|$)/;
const NAMES = ['data', 'event', 'id', 'retry'];
const LINE_END = /\r\n|\n|\r/;

/** Text beyond this length is not looked at. */
const MAX_LENGTH = 65_536;

/**
 * Recognizes text that is in the event stream format already, by its first block: known fields, `data` among them, and
 * a blank line. Text that contains any other line before that is something else.
 */
export class EventStreamCheck {
  private text = '';
  /** Whether later text can no longer change the answer. */
  decided = false;

  /** Whether the text so far, of which this is the next piece, starts with a block. */
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

/** Whether the start of a line may become a field or a comment. */
function mayBeField(start = ''): boolean {
  return start.startsWith(':') || FIELD.test(start) || NAMES.some((name) => name.startsWith(start));
}
