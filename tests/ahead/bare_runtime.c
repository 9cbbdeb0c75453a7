/* The least of a runtime, in C alone, for machines that have no other here: what functions call that neither fail,
 * print nor load. Tensors have no owners but one, and memory comes back when the program ends. */
#include <stdint.h>
#include <stdlib.h>

static void *block(int64_t bytes) {
  char *memory = aligned_alloc(64, (size_t)((bytes + 127) / 64 * 64 + 64));
  *(int64_t *)(memory + 16) = 1; /* owners: kOwnersOffset of runtime/abi.h */
  return memory + 64;
}

void *tn_enter(const char *data_dir) {
  (void)data_dir;
  return block(1);
}
const void *tn_borrow(void *context, const void *data, int64_t bytes, int32_t keep) {
  (void)context, (void)bytes, (void)keep;
  return data;
}
void *tn_place_result(void *context, void *place, int64_t bytes) {
  (void)context, (void)bytes;
  return place;
}
void tn_deliver(void *place, const void *result, int64_t bytes) {
  (void)bytes;
  if (place != result) abort();
}
int32_t tn_leave(void *context, const void *places, void *error) {
  (void)context, (void)places, (void)error;
  return 0;
}
void tn_null_argument(void *context) {
  (void)context;
  abort();
}
void *tn_alloc(void *context, int64_t bytes, int32_t site) {
  (void)context, (void)site;
  return block(bytes);
}
void tn_drop(void *context, void *data) { (void)context, (void)data; }
void tn_fail(void *context, int32_t kind, int32_t site, int64_t a, int64_t b, const char *text) {
  (void)context, (void)kind, (void)site, (void)a, (void)b, (void)text;
  abort();
}
int32_t tn_parallel(void *context, int32_t (*turns)(void *, void *, int64_t, int64_t), void *environment, int64_t first,
                    int64_t end) {
  return first < end ? turns(context, environment, first, end) : 0;
}
