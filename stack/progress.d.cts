/** Shows that something slow is under way, and for how long, on stderr. */
export function progress(what: string, expected?: string): { done(): void; failed(reason: string): void };
