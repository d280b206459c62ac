/* Part of condis: connection-oriented NDIS outside Windows. MIT OR Apache-2.0. */
/*
 * ndis.h for connection-oriented NDIS drivers, over MinGW-w64's ntddk.h and ntddndis.h.
 *
 * Compile for x64 with the directory of this file and MinGW's ddk directory on the include path:
 *     x86_64-w64-mingw32-gcc -Iinclude -I/usr/x86_64-w64-mingw32/include/ddk ...
 * MinGW's own ddk/ndis.h stays out: it has no NDIS 6 CoNDIS and does not compile as shipped.
 *
 * Facts (names, layouts, values, signatures) come from Microsoft's public documentation as collected in
 * contract/; ndis/layout_check.h, generated from there, asserts every layout at compile time.
 *
 * Read in this order: ndis/base.h (types, status codes), ndis/driver.h (registration, binding,
 * adapters), ndis/condis.h (address families and everything above them), ndis/data.h (net buffer
 * lists), ndis/kernel.h (memory, locks, events, timers, work items, registry). A driver of NDIS 5 defines
 * NDIS50 or NDIS51 (or NDIS50_MINIPORT, NDIS51_MINIPORT) and gets ndis/ndis5.h as well.
 */
#ifndef _NDIS_
#define _NDIS_

/* Everything up to NDIS 6.20 is declared, whatever version the driver registers: that is the highest
 * that MinGW's ntddndis.h supports in kernel mode. A driver states its version, and with it the
 * revisions of the structures it fills, in its characteristics. */
#define NDIS_SUPPORT_NDIS6 1
#define NDIS_SUPPORT_NDIS61 1
#define NDIS_SUPPORT_NDIS620 1

#include "ndis/base.h"
#include "ndis/kernel.h"
#include "ndis/data.h"
#include "ndis/driver.h"
#include "ndis/condis.h"
#include "ndis/layout_check.h"

#if defined(NDIS50) || defined(NDIS51) || defined(NDIS50_MINIPORT) || defined(NDIS51_MINIPORT)
#include "ndis/ndis5.h"
#endif

#endif /* _NDIS_ */
