/* xml.h: text into XML. */
#ifndef BUILDFARM_XML_H
#define BUILDFARM_XML_H

#include <stdio.h>

#include <apr.h>

/*
 * Write text, within an element or within an attribute's double quotes. What
 * is not UTF-8, or no character that XML may have, becomes U+FFFD.
 */
void xml_put(FILE *file, const char *text, apr_size_t size);
void xml_puts(FILE *file, const char *text);

/* Open a file to be written; close it. NULL, 0 after a word on stderr. */
FILE *xml_open(const char *path);
int xml_close(FILE *file, const char *path);

#endif
