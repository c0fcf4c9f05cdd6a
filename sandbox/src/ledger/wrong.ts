/** Whom the faults `wrong-merchant` and `wrong-app` name: nobody's. */
export const OTHER_MERCHANT = "1999999999";
export const OTHER_APP = "wx00000000000000ff";
