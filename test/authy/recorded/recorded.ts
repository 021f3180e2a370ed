import type { RawReply } from '../../support/http';

/** What has to happen before a request is sent. */
export type Before =
  /** The person's phone, or the number that is verified, has received a code: `<code>`. */
  | 'code on the phone'
  | 'code on the number'
  /** The person has a device, by the device SDK. */
  | 'device'
  /** The device answers `<uuid>`. */
  | 'approved'
  | 'denied';

/**
 * One request as a client sends it. In it stand `<key>`, `<id>` of the person, `<phone>` of the person, `<number>` of
 * somebody else, `<code>`, `<uuid>` of the last approval request, `<device>`: what the replies before have said.
 */
export interface Recorded {
  does: string;
  before?: Before;
  /** Method and raw path. */
  call: string;
  /** Beside the headers of every request. */
  headers?: readonly string[];
  /** Undefined: no length either. */
  body?: string;
  /** 200, where nothing is said. */
  status?: number;
  /** What the client looks for. */
  insists?: (reply: RawReply) => void;
}

export interface RecordedClient {
  name: string;
  /** In every request. */
  headers: readonly string[];
  /** What the client looks for in every reply. */
  insists?: (reply: RawReply, call: string) => void;
  calls: readonly Recorded[];
}

export const FORM = 'Content-Type: application/x-www-form-urlencoded';
export const JSON_TYPE = 'Content-Type: application/json';
