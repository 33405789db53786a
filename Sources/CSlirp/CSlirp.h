#ifndef CSLIRP_H
#define CSLIRP_H
#include <slirp/libslirp.h>
#endif
