// Optional: where the library's headers are missing, the program is built without WebP.
#if __has_include(<webp/demux.h>)
#include <webp/decode.h>
#include <webp/demux.h>
#endif
