#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/decode/decoder.hpp"

/// Delimited text, one frame a line (LEMI-424, GEOMAG-02, most magnetometers). Page: apps/acquisition/doc/text.md.
namespace daq::decode {

struct Density;
struct FrameSize;

/// What one column of a line means.
struct TextColumn {
  enum class Use : std::uint8_t { Skip, Year, Month, Day, Hour, Minute, Second, Form, Channel, Soh, Hemisphere, Token, Text };
  Use use = Use::Skip;
  std::size_t index = 0;         ///< Channel, Soh: which. Hemisphere: the Soh column before it that S or W makes negative
  bool degrees_minutes = false;  ///< Soh: the number is [d]ddmm.mmmm and becomes degrees
  int decimals = -1;   ///< decimals the instrument prints; tells a number that was cut, or stands in another's place. Form: of
                       ///< its seconds, for who simulates it; any number of them is read
  std::string name{};  ///< Form: as for check_time_form(). Text: what must stand there. Else what messages call it
  bool hex = false;    ///< Channel, Soh: the number is hexadecimal
  int bits = 0;        ///< hex: two's complement of so many bits (4 to 52); 0: without sign
  std::string key{};   ///< json: path of the value: "x", "field.x", of a list "field.0"
  /// So many characters, blanks included, whatever delimiters stand in them; what follows them begins right there if it is no
  /// delimiter. Skip, Form, Channel, Soh, and always Text. 0: up to the delimiter, or a Text behind it.
  std::size_t width = 0;
  double scale = 1, offset = 0;     ///< Channel, Soh: value = number * scale + offset
  std::optional<double> missing{};  ///< Channel, Soh: the number that says that there is no value
  /// Channel: digits before the decimals, which the instrument always prints, zeros in front too; 0: not known. A line with
  /// another number of them there is no frame, but where they say that there is no value: lines that ran into each other have
  /// more.
  std::size_t digits = 0;
};

/// A line that says one value of state of health, until it says another: an answer to a command.
struct TextAnswer {
  std::string begins{};  ///< with the sign of comments; a number follows
  std::string name{};    ///< of the quantity
  std::size_t soh = 0;   ///< which
};

/// A profile's description of the line. Without `lengths` all columns up to the last channel or time must be there, what comes
/// behind may be missing (then NaN) or longer (then ignored).
struct TextFormat {
  char delimiter = ' ';           ///< ' ' = any run of blanks and tabs
  char comment = '\0';            ///< lines that start with it are skipped as decoded
  std::size_t header_lines = 0;   ///< so many lines at the beginning of a stream are decoded though they are no frames
  std::string terminator = "lf";  ///< what ends a line: lf, cr, nul; none: it has line_bytes
  std::size_t line_bytes = 0;     ///< of a line without a terminator; its first column is a Text or a time
  std::string decimal = "point";  ///< before the decimals of a number: point, comma
  std::string checksum = "none";  ///< nmea: a line is `$…*HH`, with the exclusive or of what stands between
  bool json = false;              ///< a line is a JSON object, columns are found by their keys; no delimiter, no lengths
  std::size_t max_line = 1024;    ///< bytes without line end
  std::size_t n_channels = 0;
  std::size_t n_soh = 0;
  /// Where the time of a line comes from: its columns; its columns but the date, which is this computer's; its arrival.
  std::string time = "columns";                       ///< columns, host-date, host
  std::optional<std::chrono::sys_days> first_date{};  ///< host-date: of the first line; nullopt = this computer's
  std::string clock = "gps";                          ///< whose times the columns hold: gps, device
  /// Fields of whole lines, each at least up to the last channel or time; empty = any. Of a line of another length the channels
  /// that have a further field behind them are kept, unless it ends in or right after the last channel: see text.md.
  std::vector<std::size_t> lengths{};
  bool strict = false;       ///< a line of another length is no frame
  mth5::Nanos resolution{};  ///< as timing::Options::stamp_resolution
  std::vector<TextColumn> columns;
  std::vector<TextAnswer> answers{};  ///< comments that say something
  /// What the instrument is asked for when a connection has been made: a line that is no frame, and begins so, is decoded.
  std::vector<std::string> awaited{};
};

/// What the front of a line is.
struct TextLine {
  std::size_t bytes = 0;  ///< how much of the line this result speaks of, > 0 unless the line is empty
  bool good = false;      ///< a frame; else these bytes are skipped for `why`
  Skip why = Skip::Garbage;
  mth5::UtcNanos time{};
  int decimals = 0;           ///< of its seconds, as they are printed
  std::uint32_t unknown = 0;  ///< good: fields that give no value, or that a short line lacks channels of
  bool short_line = false;    ///< good: its length is none of TextFormat::lengths
  std::string_view token{};   ///< good: of the column of that kind; "" = it has none
  std::size_t column = 0;     ///< from 0: which made it not good, or has not its decimals; as many as there are = none of them
};

/// With a time of "host-date" the date found is 1970-01-01 and the hour goes on beyond 23; with "host" there is none.
/// Decodes the frame at the front of one line (without its line end). Pure: no state, never throws.
/// A line may hold more than one thing when bytes were lost: garbage before a frame is skipped on its own (`bytes` <
/// line.size()), and so is a frame that begins inside the rest of another. Call again with what is left.
/// @param line      without '\n'; a '\r' at its end is part of the blanks
/// @param complete  false for a last line without line end: then it counts only if all columns are there
/// @param channels  [n_channels], @param soh [n_soh]; NaN = the field gives no value; what they hold counts only if good
/// @param near      a time of frames before, which tells the time at the end of a number that is too long from any other
[[nodiscard]] TextLine decode_line(const TextFormat& format, std::span<const char> line, bool complete,
                                   std::span<double> channels, std::span<double> soh,
                                   std::optional<mth5::UtcNanos> near = {}) noexcept;

/// The same of fields between delimiters that are nothing but one frame: no other is looked for, `bytes` is their size.
[[nodiscard]] TextLine decode_fields(const TextFormat& format, std::span<const char> fields, bool complete,
                                     std::span<double> channels, std::span<double> soh) noexcept;
/// The same of a line `$…*HH`, and what stands before one.
[[nodiscard]] TextLine decode_nmea_line(const TextFormat& format, std::span<const char> line, std::span<double> channels,
                                        std::span<double> soh) noexcept;
/// The same of a line with JSON objects; text that is none is skipped up to the next '{'. Tolerant of keys without quotes and of
/// numbers in quotes. @param format  its delimiter is one that no JSON text holds, as make_text_decoder() sets it
/// @param fields  scratch; the token of the result lies in it
[[nodiscard]] TextLine decode_json_line(const TextFormat& format, std::span<const char> line, std::string& fields,
                                        std::span<double> channels, std::span<double> soh);

/// By whose clock its times are.
[[nodiscard]] TimeKind time_kind(const TextFormat& format);
/// For decode::density() and first_frame().
[[nodiscard]] Density text_density(const TextFormat& format);
[[nodiscard]] FrameSize first_text_frame(const TextFormat& format, std::span<const char> bytes);
/// "field 12 (e1)"; "" if `column` is none of the format's.
[[nodiscard]] std::string text_place(const TextFormat& format, std::size_t column);

/// The stateful splitter round decode_line(): also takes blank lines and comments.
/// @throws std::invalid_argument if the format has no columns or no line length, or a column's index is out of range
[[nodiscard]] std::unique_ptr<Decoder> make_text_decoder(const TextFormat& format);

}  // namespace daq::decode
