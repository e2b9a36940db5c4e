#include <stdlib.h>
#include <string.h>

#include "image_shim.h"
#include "shim_error.h"

#if __has_include(<tiffio.h>)
#include <tiffio.h>
#endif

// Before 4.5 libtiff has no limit on one allocation, and error handlers for the whole process only.
#if defined(TIFFLIB_VERSION) && TIFFLIB_VERSION >= 20221213

#include "tiff_samples.h"

// One tile, one row or one strip that libtiff must keep whole.
#define MAX_BLOCK ((tmsize_t)64 << 20)

// The file in memory as libtiff's callbacks see it.
typedef struct {
  fst_picture *picture;
  uint64_t position;
} tiff_file;

static tmsize_t read_file(thandle_t handle, void *target, tmsize_t count) {
  tiff_file *file = handle;
  if (count < 0 || file->position > file->picture->count) return 0;
  uint64_t left = file->picture->count - file->position;
  if ((uint64_t)count > left) count = (tmsize_t)left;
  memcpy(target, file->picture->bytes + file->position, (size_t)count);
  file->position += (uint64_t)count;
  return count;
}

static tmsize_t write_nothing(thandle_t handle, void *source, tmsize_t count) {
  (void)handle, (void)source, (void)count;
  return 0;
}

static toff_t seek_file(thandle_t handle, toff_t offset, int whence) {
  tiff_file *file = handle;
  if (whence == SEEK_CUR) offset += file->position;
  if (whence == SEEK_END) offset += file->picture->count;
  return file->position = offset;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t file_size(thandle_t handle) { return ((tiff_file *)handle)->picture->count; }

// libtiff then reads where the file lies instead of copying its strips.
static int map_file(thandle_t handle, void **base, toff_t *size) {
  const fst_picture *picture = ((tiff_file *)handle)->picture;
  *base = (void *)picture->bytes;
  *size = picture->count;
  return 1;
}

static void unmap_nothing(thandle_t handle, void *base, toff_t size) {
  (void)handle, (void)base, (void)size;
}

// Keeps the first error: those that follow are its consequences.
static int on_error(TIFF *tiff, void *data, const char *module, const char *format, va_list values) {
  (void)tiff, (void)module;
  fst_picture *picture = data;
  if (!picture->error[0]) (void)vsnprintf(picture->error, sizeof picture->error, format, values);
  return 1;
}

static int on_warning(TIFF *tiff, void *data, const char *module, const char *format,
                      va_list values) {
  (void)tiff, (void)data, (void)module, (void)format, (void)values;
  return 1;
}

static TIFF *open_file(tiff_file *file) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return NULL;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, MAX_BLOCK);
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, file->picture);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, file->picture);
  TIFF *tiff = TIFFClientOpenExt("picture", "r", file, read_file, write_nothing, seek_file,
                                 close_nothing, file_size, map_file, unmap_nothing, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}

static int give_up(fst_picture *picture) {
  return picture->error[0] ? -1 : fst_refuse(picture, "its data are damaged");
}

// Rows one after the other, plane by plane where colours lie apart: what is packed is unpacked once.
static int read_strips(TIFF *tiff, fst_tiff_layout *layout, fst_picture *picture, uint8_t *pixels) {
  fst_image_size size = layout->stored;
  tmsize_t row_size = TIFFScanlineSize(tiff);
  if (row_size < (tmsize_t)fst_tiff_row_bytes(layout, size.width) || row_size > MAX_BLOCK) {
    return fst_refuse(picture, "its rows have %lld bytes", (long long)row_size);
  }
  uint8_t *row = malloc((size_t)row_size);
  if (!row) return fst_refuse(picture, "out of memory");
  int status = 0;
  uint16_t planes = layout->is_apart ? layout->colors : 1;
  for (uint16_t plane = 0; plane < planes && status == 0; plane++) {
    for (uint32_t y = 0; y < size.height && status == 0; y++) {
      if (TIFFReadScanline(tiff, row, y, plane) != 1) {
        status = give_up(picture);
      } else {
        fst_tiff_write(layout, row, plane, pixels + (size_t)y * size.width * 3, size.width);
      }
    }
  }
  free(row);
  return status;
}

static int read_tiles(TIFF *tiff, fst_tiff_layout *layout, fst_picture *picture, uint8_t *pixels) {
  fst_image_size size = layout->stored;
  uint32_t width = 0, height = 0;
  if (!TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width) ||
      !TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height) || !width || !height) {
    return fst_refuse(picture, "its tiles have no size");
  }
  tmsize_t tile_size = TIFFTileSize(tiff), row_size = TIFFTileRowSize(tiff);
  if (tile_size <= 0 || tile_size > MAX_BLOCK || tile_size / height < row_size ||
      row_size < (tmsize_t)fst_tiff_row_bytes(layout, width)) {
    return fst_refuse(picture, "its tiles of %u x %u are too large", width, height);
  }
  uint8_t *tile = malloc((size_t)tile_size);
  if (!tile) return fst_refuse(picture, "out of memory");
  int status = 0;
  uint16_t planes = layout->is_apart ? layout->colors : 1;
  for (uint16_t plane = 0; plane < planes; plane++) {
    for (uint64_t top = 0; top < size.height && status == 0; top += height) {
      for (uint64_t left = 0; left < size.width && status == 0; left += width) {
        if (TIFFReadTile(tiff, tile, (uint32_t)left, (uint32_t)top, 0, plane) < 0) {
          status = give_up(picture);
          break;
        }
        uint32_t columns = size.width - left < width ? size.width - (uint32_t)left : width;
        for (uint64_t y = top; y < top + height && y < size.height; y++) {
          fst_tiff_write(layout, tile + (size_t)(y - top) * (size_t)row_size, plane,
                         pixels + ((size_t)y * size.width + left) * 3, columns);
        }
      }
    }
  }
  free(tile);
  return status;
}

// Decodes as stored, then turns it as its orientation says.
static int decode(TIFF *tiff, fst_picture *picture, uint8_t *pixels) {
  fst_tiff_layout layout;
  if (fst_tiff_layout_read(tiff, picture, &layout)) return -1;
  size_t count = (size_t)picture->size.width * picture->size.height * 3;
  uint8_t *stored = layout.orientation == 1 ? pixels : malloc(count);
  if (!stored) return fst_refuse(picture, "out of memory");
  memset(stored, 0, count);
  int status = TIFFIsTiled(tiff) ? read_tiles(tiff, &layout, picture, stored)
                                 : read_strips(tiff, &layout, picture, stored);
  if (stored != pixels) {
    if (status == 0) fst_tiff_turn(&layout, stored, pixels);
    free(stored);
  }
  return status;
}

int fst_tiff_read(fst_picture *picture, uint8_t *pixels) {
  tiff_file file = {.picture = picture};
  picture->error[0] = 0;
  TIFF *tiff = open_file(&file);
  if (!tiff) return give_up(picture);
  int status = 0;
  fst_image_size size;
  if (fst_tiff_size(tiff, &size)) {
    status = fst_refuse(picture, "it has no width or height");
  } else if (!pixels) {
    picture->size = size;
  } else if (size.width != picture->size.width || size.height != picture->size.height) {
    status = fst_refuse(picture, "the size changes");
  } else {
    status = decode(tiff, picture, pixels);
  }
  TIFFClose(tiff);
  return status;
}

#else

int fst_tiff_read(fst_picture *picture, uint8_t *pixels) {
  (void)pixels;
  return fst_refuse(picture, "this program was built without libtiff 4.5 (libtiff-dev)");
}

#endif
