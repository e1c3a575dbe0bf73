/**
 * What is read by one `take`, in characters, about: beyond it nothing more is taken. Larger, and journals with large
 * results fill the memory and hold up a heartbeat; smaller, and a backlog takes more round trips. The first run is
 * taken whatever it weighs.
 */
export const MOST_TAKEN_CHARACTERS: number = 8 * 1024 * 1024;
