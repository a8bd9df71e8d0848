/* Sends mth5-frame: see mth5_frame.h, and apps/acquisition/doc/mth5-frame.md for every byte. MIT licence. */
#include "mth5_frame.h"

/* Lowest byte first, whatever the processor does. */
static uint8_t* put(uint8_t* out, uint64_t value, unsigned bytes) {
  for (; bytes > 0; --bytes, value >>= 8) *out++ = (uint8_t)(value & 0xFF);
  return out;
}

/* CRC-16/CCITT-FALSE. */
static uint16_t crc16(const uint8_t* bytes, size_t n) {
  uint16_t crc = 0xFFFF;
  while (n-- > 0) {
    crc = (uint16_t)(crc ^ (*bytes++ << 8));
    for (int bit = 0; bit < 8; ++bit) crc = (uint16_t)(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
  }
  return crc;
}

static uint8_t* begin(uint8_t* out, uint8_t type, size_t payload, uint32_t first, uint64_t time_us) {
  *out++ = 0xA5;
  *out++ = 0x5A;
  *out++ = 1; /* version */
  *out++ = type;
  out = put(out, payload, 2);
  out = put(out, first, 4);
  return put(out, time_us, 8);
}

static size_t finish(uint8_t* frame, uint8_t* end) {
  const size_t n = (size_t)(end - frame);
  put(end, crc16(frame, n), 2);
  return n + 2;
}

size_t mth5_frame_samples(uint8_t* out, uint32_t first, uint64_t time_us, const int32_t* rows, size_t n_rows, size_t n_channels) {
  const size_t n = n_rows * n_channels;
  uint8_t* p = begin(out, 1, 4 * n, first, time_us);
  for (size_t i = 0; i < n; ++i) p = put(p, (uint32_t)rows[i], 4);
  return finish(out, p);
}

size_t mth5_frame_state(uint8_t* out, uint32_t first, uint64_t time_us, uint16_t battery_mv, int16_t temperature,
                        uint8_t satellites, uint8_t fix) {
  uint8_t* p = begin(out, 2, 6, first, time_us);
  p = put(p, battery_mv, 2);
  p = put(p, (uint16_t)temperature, 2);
  *p++ = satellites;
  *p++ = fix;
  return finish(out, p);
}
