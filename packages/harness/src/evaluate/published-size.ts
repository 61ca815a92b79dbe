/** Examples under attack that published figures need (section 7.3 of the evaluation protocol). */
export const PUBLISHED_SIZE = 500;
