/* gitoffline.c - see gitoffline.h */
#include "gitoffline.h"

int
mbedtls_x509_crt_parse_file(void *chain, const char *path)
{
	(void)chain;
	(void)path;
	return 0;
}
