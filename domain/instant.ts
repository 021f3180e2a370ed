/** 2026-05-04T10:11:12.345Z as people read it: 2026-05-04 10:11:12 UTC. */
export const readable = (instant: string): string => instant.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
