/* gitoffline.h - libgit2 without certificates, for tools that never talk to a network.
 *
 * libgit2 reads the machine's 140 certificates each time it starts: 3 of the 6 ms that version-tag would take. A
 * tool that is linked with this room answers that call itself, with none; HTTPS in it would trust nobody. Where
 * libgit2 is built on another TLS than mbedTLS the room does nothing. */
#ifndef SLIPWAY_GITOFFLINE_H
#define SLIPWAY_GITOFFLINE_H

/* Stands in front of mbedTLS' function of this name for the whole program. */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);

#endif
