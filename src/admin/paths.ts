/**
 * The path of one row of a list, by its id. At most 15 digits, which a number holds exactly: any other
 * path is answered with a 404 before a handler sees it.
 */
export const BY_ID = "/:id{[1-9][0-9]{0,14}}";
