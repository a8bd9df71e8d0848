/* mth5-frame: what mth5d reads of home-made boards with the profile mth5-frame. MIT licence; plain C99, no library, no heap. */
#ifndef MTH5_FRAME_H
#define MTH5_FRAME_H
#include <stddef.h>
#include <stdint.h>

#define MTH5_FRAME_EXTRA 20u /* bytes of a frame beside its payload */

/* rows of n_channels samples each -> frame. first: index of the first sample since power-on; time_us: its UTC in us since 1970.
   out has room for MTH5_FRAME_EXTRA + 4 * n_rows * n_channels bytes. Returns the frame's length. */
size_t mth5_frame_samples(uint8_t* out, uint32_t first, uint64_t time_us, const int32_t* rows, size_t n_rows, size_t n_channels);

/* State of health, every few seconds: mV, 0.01 degrees C, satellites used, 1 = GPS fix. Returns the frame's length, 26. */
size_t mth5_frame_state(uint8_t* out, uint32_t first, uint64_t time_us, uint16_t battery_mv, int16_t temperature,
                        uint8_t satellites, uint8_t fix);
#endif
