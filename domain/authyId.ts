/** Ids of users, devices and applications: clients of the Authy API read them as signed 32-bit integers. */
export const MOST_AUTHY_ID = 2 ** 31 - 1;

/** An id as it is written in a path, a parameter or a file; undefined where there can be none such. */
export function readAuthyId(text: string | undefined): number | undefined {
  const id = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return id >= 1 && id <= MOST_AUTHY_ID ? id : undefined;
}
