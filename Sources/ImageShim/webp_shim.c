#include <string.h>

#include "image_shim.h"
#include "shim_error.h"

#if __has_include(<webp/demux.h>)

#include <webp/decode.h>
#include <webp/demux.h>

// Decodes the bitstream at `bytes` into the corner of `pixels` that its place says.
static int decode(fst_picture *picture, const uint8_t *bytes, size_t count, uint32_t width,
                  uint32_t height, uint8_t *pixels) {
  size_t row = (size_t)picture->size.width * 3;
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return fst_refuse(picture, "libwebp cannot start");
  if (WebPGetFeatures(bytes, count, &config.input) != VP8_STATUS_OK ||
      config.input.width != (int)width || config.input.height != (int)height) {
    return fst_refuse(picture, "its frame is damaged");
  }
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = (int)row;
  config.output.u.RGBA.size = row * (height - 1) + (size_t)width * 3;
  VP8StatusCode status = WebPDecode(bytes, count, &config);
  WebPFreeDecBuffer(&config.output);
  if (status == VP8_STATUS_OK) return 0;
  return fst_refuse(picture, status == VP8_STATUS_SUSPENDED || status == VP8_STATUS_NOT_ENOUGH_DATA
                                 ? "the file is truncated"
                                 : "its data are damaged");
}

// The first frame of an animation, on black where it does not fill the canvas.
static int decode_first(fst_picture *picture, uint8_t *pixels) {
  WebPData data = {picture->bytes, picture->count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (!demuxer) return fst_refuse(picture, "the file is truncated or damaged");
  fst_image_size size = picture->size;
  WebPIterator frame;
  int status;
  memset(&frame, 0, sizeof frame);
  if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
    status = fst_refuse(picture, "it has no whole frame");
  } else if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width < 1 || frame.height < 1 ||
             (uint64_t)frame.x_offset + frame.width > size.width ||
             (uint64_t)frame.y_offset + frame.height > size.height) {
    status = fst_refuse(picture, "its first frame lies outside the picture");
  } else {
    size_t row = (size_t)size.width * 3;
    memset(pixels, 0, row * size.height);
    status = decode(picture, frame.fragment.bytes, frame.fragment.size, frame.width, frame.height,
                    pixels + row * frame.y_offset + (size_t)frame.x_offset * 3);
  }
  WebPDemuxReleaseIterator(&frame);
  WebPDemuxDelete(demuxer);
  return status;
}

int fst_webp_read(fst_picture *picture, uint8_t *pixels) {
  WebPBitstreamFeatures features;
  VP8StatusCode status = WebPGetFeatures(picture->bytes, picture->count, &features);
  if (status != VP8_STATUS_OK || features.width < 1 || features.height < 1) {
    return fst_refuse(picture, status == VP8_STATUS_NOT_ENOUGH_DATA ? "the file is truncated"
                                                                    : "its header is damaged");
  }
  if (!pixels) {
    picture->size = (fst_image_size){(uint32_t)features.width, (uint32_t)features.height};
    return 0;
  }
  if (features.has_animation) return decode_first(picture, pixels);
  return decode(picture, picture->bytes, picture->count, picture->size.width, picture->size.height,
                pixels);
}

#else

int fst_webp_read(fst_picture *picture, uint8_t *pixels) {
  (void)pixels;
  return fst_refuse(picture, "this program was built without libwebp (libwebp-dev)");
}

#endif
