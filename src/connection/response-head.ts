import type { ResponseHead } from '../source/source.js';
import { rawResponse } from './response.js';

/** The part of a Fastify reply that we use. */
interface FastifyReplyLike {
  code(status: number): unknown;
  header(name: string, value: string | string[]): unknown;
}

/**
 * Fields that belong to one connection (RFC 9110, 7.6.1), or that describe the encoded body. `fetch` has decoded the body, so
 * the response that we send has another length and encoding.
 */
const NOT_COPIED = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'content-encoding',
]);

const SET_COOKIE = 'set-cookie';

/** Sets the status and the header fields of a web `Response` on a framework's response. Cookies are added to those set before. */
export function copyHead(response: object, { status, headers }: ResponseHead): void {
  const target = headTarget(response);
  target.status(status);
  const named = new Set((headers.get('connection') ?? '').toLowerCase().split(/\s*,\s*/));
  headers.forEach((value, name) => {
    if (name !== SET_COOKIE && !NOT_COPIED.has(name) && !named.has(name)) target.set(name, value);
  });
  const cookies = headers.getSetCookie?.() ?? [headers.get(SET_COOKIE)].filter((value) => value !== null);
  if (cookies.length > 0) target.addCookies(cookies);
}

interface HeadTarget {
  status(status: number): void;
  set(name: string, value: string): void;
  addCookies(values: string[]): void;
}

function headTarget(response: object): HeadTarget {
  const raw = rawResponse(response);
  if (raw !== response) {
    const reply = response as FastifyReplyLike;
    return {
      status: (status) => void reply.code(status),
      set: (name, value) => void reply.header(name, value),
      addCookies: (values) => void reply.header(SET_COOKIE, values),
    };
  }
  return {
    status: (status) => (raw.statusCode = status),
    // Not Express's set(), which changes content types.
    set: (name, value) => void raw.setHeader(name, value),
    addCookies: (values) => {
      const before = raw.getHeader(SET_COOKIE) ?? [];
      raw.setHeader(SET_COOKIE, [before, values].flat().map(String));
    },
  };
}
