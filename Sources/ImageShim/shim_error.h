// What the shims share: how an error gets to the caller, and how CMYK becomes RGB.
#ifndef FST_SHIM_ERROR_H
#define FST_SHIM_ERROR_H

#include <stdint.h>
#include <stdio.h>

#include "image_shim.h"

#define fst_shim_error(buffer, size, ...) ((void)snprintf((buffer), (size), __VA_ARGS__))

// Sets the picture's error; always -1, so that a decoder can return it.
#define fst_refuse(picture, ...) \
  (fst_shim_error((picture)->error, sizeof(picture)->error, __VA_ARGS__), -1)

// One ink under the key, Pillow's arithmetic: white less what ink x white / 255 takes, rounded.
static inline uint8_t fst_under_key(uint8_t ink, uint8_t key) {
  uint32_t white = 255u - key;
  uint32_t product = ink * white + 128;
  return (uint8_t)(white - (((product >> 8) + product) >> 8));
}

#endif
