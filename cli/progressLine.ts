const PROGRESS_MS = 1_000;
const ON_TERMINAL_MS = 100;

export interface ProgressLine {
  /** Says it, unless something was said a moment ago. */
  show: (text: () => string) => void;
  /** Makes room for other lines. */
  clear: () => void;
}

/** A line on standard error, rewritten on a terminal and otherwise one a second. */
export function createProgressLine(): ProgressLine {
  const { isTTY } = process.stderr;
  let spokenMs = Date.now();
  return {
    show(text) {
      if (Date.now() - spokenMs < (isTTY ? ON_TERMINAL_MS : PROGRESS_MS)) return;
      spokenMs = Date.now();
      process.stderr.write(isTTY ? `\r${text()}\u001b[K` : `${text()}\n`);
    },
    clear: () => void (isTTY && process.stderr.write('\r\u001b[K')),
  };
}
