/* library.h: the functions of library.tn for C. Written by `tenon build`, and again each time.
 *
 * Link with: cc main.c library.o libtenon_runtime.a -ltbb -lstdc++ -lm -pthread
 * libtenon_runtime.a is in the folder lib of the build of Tenon that made this file.
 *
 * A function returns 0, or says what went wrong: 701 for E0701 (`tenon explain E0701`), -1 for a null
 * pointer where there are elements. Then results hold nothing of use, and `error`, if it is given, has
 * the place and the reason. Calls share nothing: several threads may call at a time.
 *
 * Tensors are the caller's: row-major, without gaps. A bool is a byte, 0 or 1; an f16 or bf16 its 16
 * bits. They lie at multiples of their element's size; at multiples of 64 bytes they are used where they
 * lie, elsewhere they are copied first. What gets a result must not overlap anything else.
 */
#ifndef TENON_LIBRARY_H
#define TENON_LIBRARY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef TN_ERROR
#define TN_ERROR
struct tn_error {
  int32_t code;      /* as it was returned */
  char message[508]; /* zero-terminated: layer.tn:3:12: error[E0701]: subscript 5 is out of range … */
};
#endif

int32_t dense(
    const float *x,           /* f32[2, 3] */
    const float *d_w,         /* f32[3, 4] */
    const float *d_b,         /* f32[4] */
    float *result,            /* gets f32[2, 4] */
    struct tn_error *error);  /* may be null */

int32_t sum_of_five(
    const float *x,           /* f32[5] */
    float *result,            /* gets f32 */
    struct tn_error *error);  /* may be null */

int32_t scalars(
    int32_t a,                /* i32 */
    double b,                 /* f64 */
    uint8_t negative,         /* bool */
    int8_t small,             /* i8 */
    double *result_1,         /* gets f64 */
    uint8_t *result_2,        /* gets bool */
    int8_t *result_3,         /* gets i8 */
    struct tn_error *error);  /* may be null */

int32_t several(
    const float *x,           /* f32[5] */
    float *result_1,          /* gets f32 */
    float *result_2,          /* gets f32[5] */
    struct tn_error *error);  /* may be null */

int32_t same(
    const float *x,           /* f32[5] */
    float *result,            /* gets f32[5] */
    struct tn_error *error);  /* may be null */

int32_t prefix_sums(
    const int64_t *x,         /* i64[6] */
    int64_t *result,          /* gets i64[6] */
    struct tn_error *error);  /* may be null */

int32_t squares(
    int64_t last,             /* i64 */
    int64_t *result,          /* gets i64[6] */
    struct tn_error *error);  /* may be null */

int32_t small_types(
    const uint16_t *h,        /* f16[3] */
    const uint8_t *b,         /* bool[3] */
    const int8_t *c,          /* i8[3] */
    uint16_t *result_1,       /* gets f16[3] */
    uint8_t *result_2,        /* gets bool[3] */
    int8_t *result_3,         /* gets i8[3] */
    struct tn_error *error);  /* may be null */

int32_t pick(
    const float *x,           /* f32[5] */
    int64_t at,               /* i64 */
    float *result,            /* gets f32 */
    struct tn_error *error);  /* may be null */

int32_t fibonacci(
    int64_t n,                /* i64 */
    int64_t *result,          /* gets i64 */
    struct tn_error *error);  /* may be null */

int32_t endless(
    int64_t n,                /* i64 */
    int64_t *result,          /* gets i64 */
    struct tn_error *error);  /* may be null */

int32_t says(
    const float *x,           /* f32[5] */
    struct tn_error *error);  /* may be null */

/* scaled takes what scaled_prepare makes of these parameters, once for any number of calls. It lies in the
 * caller's memory: so many bytes, at a multiple of 64. What does not, or has not been prepared for this
 * function, is refused: -2. */
#define scaled_prepared_bytes 4096
int32_t scaled_prepare(
    const float *d_w,         /* f32[20, 40] */
    const float *d_b,         /* f32[40] */
    const float *scale,       /* f32[40] */
    float by,                 /* f32 */
    void *prepared,           /* gets what calls of the function take */
    int64_t bytes,            /* that there are */
    struct tn_error *error);  /* may be null */

int32_t scaled(
    const float *x,           /* f32[3, 20] */
    const void *prepared,     /* what scaled_prepare gave */
    float *result,            /* gets f32[3, 40] */
    struct tn_error *error);  /* may be null */

/* after_all takes what after_all_prepare makes of these parameters, once for any number of calls. It lies in the
 * caller's memory: so many bytes, at a multiple of 64. What does not, or has not been prepared for this
 * function, is refused: -2. */
#define after_all_prepared_bytes 128
int32_t after_all_prepare(
    const float *w,           /* f32[5] */
    void *prepared,           /* gets what calls of the function take */
    int64_t bytes,            /* that there are */
    struct tn_error *error);  /* may be null */

int32_t after_all(
    const float *x,           /* f32[5] */
    const void *prepared,     /* what after_all_prepare gave */
    float *result,            /* gets f32[5] */
    struct tn_error *error);  /* may be null */

#ifdef __cplusplus
}
#endif

#endif
