#ifndef CHOST_H
#define CHOST_H
// The C that Swift can't say: errno, variadic calls, threads, and atomics on raw guest memory.
// Nothing here decides anything.
#include "host_memory.h"
#include "host_atomic.h"
#include "host_thread.h"
#include "host_io.h"
#include "host_event.h"
#include "host_bytes.h"
#include "host_file.h"
#include "host_block.h"
#include "host_terminal.h"
#include "host_console.h"
#include "host_signal.h"
#include "host_kvm.h"
#include "host_poll.h"
#include "host_stream.h"
#include "host_fp.h"
#include "host_pollset.h"
#include "host_net.h"
#include "host_p9.h"
#endif
