/* What a rule in C includes, once, in the file that defines the rule. There is no library: this is all of it.
 *
 *     #define OUTCRY_VALIDATION
 *     #include "outcry_rules.h"
 *
 *     uint32_t outcry_configure(const int64_t *words, size_t count) { return count == 0 ? 0 : OUTCRY_WRONG_PARAMETERS; }
 *     uint32_t outcry_check(const outcry_order *order) { return order->total_quantity > 1000 ? 1 : 0; }
 *     const char *outcry_explain(uint32_t code) { return "the order has more than 1000 lots"; }
 *
 * A rule defines OUTCRY_VALIDATION or OUTCRY_RISK before it includes this, and these three functions (a risk rule's check
 * has a second argument and another result, see below). `outcry plugin build` compiles it for WebAssembly, where the exports at
 * the end of this file become those of the contract; for other targets only the types are here, so that a test can
 * include the rule and call its functions.
 *
 * Keep nothing between calls but what outcry_configure was given: a rule's verdict follows from its arguments alone. */
#ifndef OUTCRY_RULES_H
#define OUTCRY_RULES_H

#include <stddef.h>
#include <stdint.h>

#if defined(OUTCRY_VALIDATION) == defined(OUTCRY_RISK)
#error "define OUTCRY_VALIDATION or OUTCRY_RISK before including outcry_rules.h"
#endif

/* Bits of outcry_order.flags. */
#define OUTCRY_SELL 1u      /* else it buys */
#define OUTCRY_MARKET 2u    /* else it has a limit */
#define OUTCRY_POST_ONLY 4u /* it must not trade at once */
#define OUTCRY_REPLACE 8u   /* it replaces a working order */
/* 0 day, 1 good till canceled, 2 immediate or cancel, 3 fill or kill, 4 good till date. */
#define OUTCRY_TIME_IN_FORCE(flags) (((flags) >> 8) & 255u)
/* 1 cancel newest, 2 cancel oldest, 3 cancel both, 4 decrement. */
#define OUTCRY_SELF_TRADE(flags) (((flags) >> 16) & 255u)

/* What outcry_configure returns when the words are not the rule's parameters. */
#define OUTCRY_WRONG_PARAMETERS 65535u

#ifdef OUTCRY_VALIDATION

/* The order to judge, as the twelve words of the contract: no copy is made. */
typedef struct outcry_order {
  uint32_t account;        /* its id */
  uint32_t instrument;     /* its id */
  uint64_t flags;          /* OUTCRY_SELL, … */
  uint64_t quantity;       /* what could still trade, in lots */
  uint64_t total_quantity; /* in lots: of a replace, with what has traded already */
  int64_t price;           /* limit in ticks; 0 for a market order */
  int64_t notional;        /* value at the limit in minor units of the currency; 0 for a market order */
  char symbol[16];         /* the instrument's, padded with zeros */
  int64_t tick_value;      /* what one tick of one lot is worth, in minor units */
  uint64_t max_quantity;   /* the instrument's largest order, in lots; UINT64_MAX for none */
  int64_t now;             /* the sequencer's time, UNIX nanoseconds */
  uint64_t reserved;
} outcry_order;

_Static_assert(sizeof(outcry_order) == 96, "an order is twelve words");

/* 0 accepts; 1 to 65534 rejects. */
uint32_t outcry_check(const outcry_order *order);

#else

/* The order to judge. */
typedef struct outcry_order {
  uint32_t account;    /* its id */
  uint32_t instrument; /* its id */
  uint32_t flags;      /* OUTCRY_SELL, … */
  uint64_t quantity;   /* what could still trade, in lots */
  int64_t price;       /* limit in ticks; 0 for a market order */
  int64_t notional;    /* value in minor units of the currency; of a market order what the visible book makes of it */
} outcry_order;

/* What else a risk rule knows, as earlier orders left it. */
typedef struct outcry_context {
  int64_t position;    /* lots of the instrument that the account owns */
  uint64_t open_buy;   /* lots that its working buys could still buy */
  uint64_t open_sell;  /* lots that its working sells could still sell */
  int64_t open_cash;   /* cash that its working buys hold over all instruments, in minor units */
  int64_t best_bid;    /* in ticks; 0 when there is none */
  int64_t best_ask;    /* in ticks; 0 when there is none */
  int64_t last_price;  /* in ticks; 0 before the first trade */
  uint64_t day_volume; /* lots that the account has bought and sold in this trading day */
  int64_t counter;     /* the rule's counter (plugin.toml), in its current window */
  int64_t now;         /* the sequencer's time, UNIX nanoseconds */
} outcry_context;

/* A verdict: outcry_verdict(0, 0) accepts. `count` is added to the rule's counter and must fit 48 bits. */
static inline uint64_t outcry_verdict(uint16_t code, int64_t count) {
  return ((uint64_t)count << 16) | code;
}

uint64_t outcry_check(const outcry_order *order, const outcry_context *context);

#endif

/* Takes the parameters, once, before the first check: one word for a number, two for a text. The words stay where they are.
 * Returns 0, or a code that outcry_explain puts into words: then the rule is not activated. */
uint32_t outcry_configure(const int64_t *words, size_t count);

/* A code in words: one sentence without a full stop. */
const char *outcry_explain(uint32_t code);

#ifdef __wasm__

#define OUTCRY_EXPORT(name) __attribute__((export_name(name)))
#ifdef OUTCRY_VALIDATION
#define OUTCRY_NAME(function) "outcry:rules/validation-rule@1.1.0#" function
#else
#define OUTCRY_NAME(function) "outcry:rules/risk-rule@1.1.0#" function
#endif

/* Memory for what the host hands over: given in order, taken back all at once when a call's answer has been read. What was
 * given until the rule was configured stays. */
extern unsigned char __heap_base;
static uintptr_t outcry_next, outcry_kept;

OUTCRY_EXPORT("cabi_realloc")
void *outcry_realloc(void *old, size_t old_size, size_t align, size_t size) {
  if (outcry_next == 0) outcry_next = outcry_kept = (uintptr_t)&__heap_base;
  uintptr_t start = (outcry_next + align - 1) & ~(uintptr_t)(align - 1);
  uintptr_t end = start + size;
  uintptr_t have = __builtin_wasm_memory_size(0) * 65536u;
  if (end < start) __builtin_trap();
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + 65535u) / 65536u) == (size_t)-1) __builtin_trap();
  outcry_next = end;
  if (old_size != 0) __builtin_memcpy((void *)start, old, old_size < size ? old_size : size);
  return (void *)start;
}

OUTCRY_EXPORT(OUTCRY_NAME("configure"))
uint32_t outcry_export_configure(const int64_t *words, size_t count) {
  uint32_t code = outcry_configure(words, count);
  outcry_kept = outcry_next;
  return code;
}

static struct outcry_list {
  const void *start;
  size_t count;
} outcry_answer;

OUTCRY_EXPORT(OUTCRY_NAME("explain"))
const void *outcry_export_explain(uint32_t code) {
  const char *text =
      code == OUTCRY_WRONG_PARAMETERS ? "the parameters are not the ones that the rule declares" : outcry_explain(code);
  outcry_answer.start = text;
  for (outcry_answer.count = 0; text[outcry_answer.count] != 0;) outcry_answer.count++;
  return &outcry_answer;
}

#ifdef OUTCRY_VALIDATION

/* The codes are written over the orders, each behind what has been read. */
OUTCRY_EXPORT(OUTCRY_NAME("check"))
const void *outcry_export_check(outcry_order *orders, size_t words) {
  size_t count = words / 12;
  uint32_t *codes = (uint32_t *)(void *)orders;
  if (words % 12 != 0) __builtin_trap();
  for (size_t at = 0; at < count; at++) {
    outcry_order order = orders[at];
    codes[at] = outcry_check(&order);
  }
  outcry_answer.start = codes;
  outcry_answer.count = count;
  return &outcry_answer;
}

OUTCRY_EXPORT("cabi_post_" OUTCRY_NAME("check"))
void outcry_export_checked(const void *answer) {
  (void)answer;
  outcry_next = outcry_kept;
}

#else

OUTCRY_EXPORT(OUTCRY_NAME("check"))
uint64_t outcry_export_check(uint32_t account, uint32_t instrument, uint32_t flags, uint64_t quantity, int64_t price,
                             int64_t notional, int64_t position, uint64_t open_buy, uint64_t open_sell, int64_t open_cash,
                             int64_t best_bid, int64_t best_ask, int64_t last_price, uint64_t day_volume, int64_t counter,
                             int64_t now) {
  outcry_order order = {account, instrument, flags, quantity, price, notional};
  outcry_context context = {position, open_buy,   open_sell,  open_cash, best_bid,
                            best_ask, last_price, day_volume, counter,   now};
  return outcry_check(&order, &context);
}

#endif
#endif
#endif
