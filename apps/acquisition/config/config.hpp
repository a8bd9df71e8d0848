#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "acquisition/config/commands.hpp"
#include "acquisition/decode/description.hpp"
#include "mth5/duration.hpp"
#include "mth5/filter.hpp"
#include "mth5/metadata.hpp"
#include "mth5/types.hpp"

/// mth5d.yaml: what it may say, and what it said. Page: mth5d(8). Thread: plain values.
namespace daq::config {

struct Serial {
  std::string device;
  unsigned baud = 115200;
  unsigned bits = 8;
  std::string parity = "none";  ///< none, even, odd
  unsigned stop_bits = 1;
  std::string rs485 = "off";  ///< off; rts-on-send, rts-after-send: the level of RTS that switches the transmitter on
  bool low_latency = false;
};
/// A connection that we open.
struct Tcp {
  std::string host;
  std::uint16_t port = 0;
};
/// A connection that the instrument opens.
struct TcpListen {
  std::string listen;  ///< "0.0.0.0:7000": see parse_endpoint()
  std::string from;    ///< address of the one peer that is taken; "" = any
  std::chrono::nanoseconds yield_after =
      std::chrono::seconds{10};  ///< a peer that gives nothing of use for so long gives way to another
};
/// A server of SeedLink, that keeps data for a while.
struct SeedLink {
  std::string host;
  std::uint16_t port = 18000;
  std::vector<std::string> streams;                             ///< "NET_STA" or "NET_STA:SELECTOR SELECTOR"
  std::string protocol = "auto";                                ///< 3, 4; auto: 4 where the server offers it
  std::chrono::nanoseconds silence = std::chrono::minutes{10};  ///< without a packet for so long it is asked anew
};
/// A box that serves the files it writes, as .atss: a directory of runs, read as they grow.
struct Http {
  std::string url;                                          ///< see parse_url()
  std::string user{}, password_file{};                      ///< as they are written; "" = none is wanted
  std::string authorization{};                              ///< what both make (basic_authorization()); a secret, "" = none
  std::chrono::nanoseconds poll = std::chrono::seconds{1};  ///< so often each channel is asked for more
  std::string pin{};            ///< SHA-256 of its certificate, 64 digits; "" = as the system trusts it
  bool self_signed = false;     ///< any certificate is taken
  std::string runs = "newest";  ///< the first one ever: newest, or all that are there
};
struct ReplayFile {
  std::filesystem::path path;         ///< "-": standard input; "": files of `directory`
  std::optional<double> speed = 1.0;  ///< times real time; nullopt = max
  bool follow = false;                ///< it grows
  std::filesystem::path directory;    ///< of files that grow one after the other
  std::string pattern = "*";          ///< of their names, as in fnmatch(3)
  std::string date;                   ///< of its first line, "2026-03-01"; "": by this computer's clock
  std::chrono::nanoseconds next_after = std::chrono::seconds{10};  ///< a file silent for so long is done when there is a next one

  [[nodiscard]] bool is_stdin() const { return path == "-"; }
};
/// Datagrams that come to us.
struct Udp {
  std::string listen;                                   ///< "0.0.0.0:8888": see parse_endpoint()
  std::string group;                                    ///< a multicast address to join; "" = none
  std::string interface;                                ///< by which the group is joined: eth0; "" = as the system chooses
  std::string from;                                     ///< address of the one sender that is taken; "" = any
  std::int64_t receive_buffer = std::int64_t{1} << 20;  ///< bytes, of the kernel
  std::int64_t longest = std::int64_t{1} << 16;         ///< bytes of a datagram
};
using Input = std::variant<Serial, Tcp, TcpListen, Udp, SeedLink, Http, ReplayFile>;
/// "serial:/dev/ttyUSB0", "tcp:10.0.0.2:7000", "tcp:listen:0.0.0.0:7000", "udp:0.0.0.0:8888", "seedlink:10.0.0.2:18000",
/// "http://10.0.0.2/data/", "file:day.TXT".
[[nodiscard]] std::string to_string(const Input& input);
/// Whether it has an end and no hurry: a file that does not grow.
[[nodiscard]] bool is_recording(const Input& input);

/// Where a socket is bound: a numeric address and a port.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};
/// Of "0.0.0.0:8888" or "[::]:8888"; nullopt for anything else, names too.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);

/// Of "https://10.0.0.2:8443/data".
struct HttpUrl {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
  std::string path;  ///< as it is sent; begins and ends with '/'
};
/// nullopt for anything else: with a user, a query, a blank.
[[nodiscard]] std::optional<HttpUrl> parse_url(std::string_view text);

/// A stage between the field and the samples, as `filters:` of a channel says. Page: apps/acquisition/doc/filters.md.
struct FilterProfile {
  mth5::Filter filter;
  bool of_dipole = false;  ///< its gain is the channel's dipole_length, and part of its name
};

/// What is the least and the most that a channel can show, in its units.
struct ClipLimits {
  double low = 0, high = 0;
};
/// A point of the noise of a sensor.
struct NoisePoint {
  double frequency_hz = 0;
  double asd = 0;  ///< amplitude spectral density: units of the channel per root of Hz
};

struct ChannelProfile {
  std::string name;         ///< in the instrument's own words (e1); the key in `channels:`
  mth5::Metadata metadata;  ///< component, units, …: profile, then the site's config over it
  mth5::SampleType type = mth5::SampleType::Float64;
  std::optional<double> fill;  ///< integer types: the value a short gap is filled with
  /// From the field to the samples, all still in them; none without a dipole_length it needs.
  std::vector<FilterProfile> filters = {};
  /// Number of the state of health that says by what length, in m, the instrument has divided these samples of microvolts: 1 or
  /// not known: they are none of a field. nullopt: it has not, or the site says what they are.
  std::optional<std::size_t> divided_by = {};
  std::optional<ClipLimits> clip_limits = {};
  std::vector<NoisePoint> noise = {};  ///< by frequency; empty = not known
};
struct SohProfile {
  std::string name;  ///< battery, temperature_e, satellites, gps_fix, clock_difference, latitude, longitude, elevation, …
  std::string units;
  double change = 0;  ///< the least change, in `units`, that is worth a row; there is one each minute anyway
};

/// An instrument profile: config/instruments/NAME.yaml, or the inline map.
struct Instrument {
  std::string name;  ///< of the file without .yaml; of an inline map: the source's name
  std::string description;
  std::filesystem::path origin;  ///< the file it came from; empty for an inline map
  double sample_rate = 0;        ///< Hz
  decode::Description decoder;
  std::vector<ChannelProfile> channels;  ///< in the order of the decoder's channels, without those that the site leaves out
  std::vector<std::size_t> kept;         ///< the decoder's numbers of `channels`; empty = all
  std::vector<SohProfile> soh;           ///< in the order of the decoder's values
  mth5::Metadata run{mth5::Kind::Run};   ///< data_logger.* and the like
  Commands commands;                     ///< what it is to be told
  Simulated simulate;                    ///< what mth5-sim answers to that
};

/// `gap:` of the file, and of a source over it.
struct Gap {
  double tolerance_samples = 0.5;
  std::chrono::nanoseconds fill_up_to{0};
  std::chrono::nanoseconds accept_step_after{0};
  std::chrono::nanoseconds tolerance_floor{0};
  std::chrono::nanoseconds longest = std::chrono::hours{24 * 366};
  std::size_t remember = std::size_t{1} << 20;  ///< samples per channel
  std::chrono::nanoseconds channel_wait = std::chrono::seconds{30};
};

/// `clock:`, likewise.
struct Clock {
  std::chrono::nanoseconds reanchor_after{0};  ///< 0 = never, if reanchor_samples is 0 too
  double reanchor_samples = 0;                 ///< the same in samples
  mth5::UtcNanos not_before{};                 ///< 1970: moves nothing
  std::chrono::nanoseconds delay{0};
  std::chrono::nanoseconds resolution{0};
  std::chrono::nanoseconds window = std::chrono::minutes{10};
};

struct Source {
  std::string name;
  std::size_t item = 0;  ///< of `sources` in the file, from 0
  Input input;
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds{60};
  std::chrono::nanoseconds reconnect_first = std::chrono::milliseconds{500};
  std::chrono::nanoseconds reconnect_limit = std::chrono::seconds{30};
  Gap gap;                ///< its own, or the common one
  Clock clock;            ///< likewise
  Commands commands;      ///< the instrument's, and its own over them; recordings have none
  Instrument instrument;  ///< with the site's `channels:` merged in
  std::string run_id = "sr{rate}_{index:04}";
  mth5::Metadata station{mth5::Kind::Station};  ///< its own `station:` or the common one
  bool location_known = false;                  ///< the config gives latitude and longitude; else the instrument's GPS does
};
/// Why the dates of the source's samples may be wrong: it is a recording whose lines have none, and it was not given; "" = fine.
[[nodiscard]] std::string doubt_of_date(const Source& source);

/// gpsd, which knows a receiver of its own. For the computer's clock only.
struct Gpsd {
  std::string host = "127.0.0.1";
  std::uint16_t port = 2947;
};
/// chronyd of this computer, asked by chronyc.
struct Chrony {
  std::chrono::nanoseconds every = std::chrono::seconds{16};
};
/// Who says how well this computer's clock is known. One of `sources`, without samples.
struct ClockSource {
  std::string name;
  std::variant<Gpsd, Chrony> from;
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds{60};  ///< what is older is known no more
  std::chrono::nanoseconds reconnect_first = std::chrono::milliseconds{500};
  std::chrono::nanoseconds reconnect_limit = std::chrono::seconds{30};
};

struct Output {
  std::filesystem::path directory;
  std::string file_name = "{station}_{start:%Y%m%dT%H%M%SZ}.h5";
  std::string file_version = "0.2.0";
  bool allow_network = false;
  std::string mount = "any";                      ///< "required": the directory lies on a disk of its own, not on that of /
  std::int64_t reserve = std::int64_t{32} << 20;  ///< bytes: held for closing; the same again is the limit of free space
  std::chrono::nanoseconds give_up_after = std::chrono::minutes{10};  ///< of a disk that fails, not of a full one
  // A file is closed, and the next begins:
  std::chrono::nanoseconds roll_every{0};  ///< by the time of the samples, at marks this far apart; 0 = never
  std::chrono::minutes roll_at{0};         ///< of the day, UTC: where marks are counted from
  std::int64_t roll_size = 0;              ///< bytes; 0 = never
  std::int64_t roll_runs = 1000;
  // What becomes of a file that is closed, by mth5d --finalize:
  std::string finalize = "never";  ///< else "gzip-4": an archive with its manifest is made of it
  double finalize_wait_below = 0;  ///< V: not while the battery of an instrument has less; 0 = whatever it has
  /// It is removed so long after it was last written, if its archive holds all of it; 0 = never.
  std::chrono::nanoseconds retention{0};
  std::int64_t retention_below = 0;  ///< bytes: only while less is free; 0 = whatever is free
};

struct Config {
  mth5::Metadata survey{mth5::Kind::Survey};
  Output output;
  std::int64_t flush_samples = 1000;
  std::chrono::nanoseconds flush_interval = std::chrono::seconds{1};
  std::chrono::nanoseconds sync_interval = std::chrono::seconds{10};
  std::chrono::nanoseconds ring = std::chrono::seconds{120};
  std::size_t chunk = 0;  ///< 0 = auto
  std::vector<Source> sources;
  std::vector<ClockSource> clocks;  ///< those of `sources` that give no samples
};

struct Finding {
  std::string where;    ///< "mth5d.yaml:12:5", "--set station.id", "environment MTH5D_RING"
  std::string key;      ///< "sources[0].serial.baud"; "" if it is about the file as a whole
  std::string problem;  ///< "'15O' is not a whole number (baud)"

  [[nodiscard]] std::string text() const { return where + ": " + (key.empty() ? "" : key + ": ") + problem; }
};

/// One line of --print-config.
struct Effective {
  std::string key, value, origin;
};

struct Loaded {
  std::optional<Config> config;      ///< nullopt if there is any finding
  std::vector<Finding> findings;     ///< all of them, in order of line and column
  std::vector<Effective> effective;  ///< every key with its value and where it came from
};

struct Overrides {
  std::vector<std::string> set;                                  ///< --set KEY=VALUE
  std::vector<std::pair<std::string, std::string>> environment;  ///< MTH5D_*, from process_environment()
};
[[nodiscard]] std::vector<std::pair<std::string, std::string>> process_environment();

/// Reads and checks everything in one go; never throws on what the file says.
/// Order: default < file < environment < --set. Setting a key of another kind of input (sources.lemi.file.path over a serial
/// line) replaces the source's input.
/// @param instrument_folders  searched in this order for NAME.yaml; a profile may be named by its path too, as seen from `file`
[[nodiscard]] Loaded load(const std::filesystem::path& file, const Overrides& overrides,
                          const std::vector<std::filesystem::path>& instrument_folders);

/// Where profiles are looked for: MTH5D_INSTRUMENTS (colon-separated), `instruments` beside the config file,
/// /etc/mth5d/instruments, ../share/mth5-daq/instruments as seen from the program (in a build tree: a link to those of the
/// sources).
[[nodiscard]] std::vector<std::filesystem::path> instrument_folders(const std::filesystem::path& config_file);

/// All profiles found: name, description, path, or what is wrong with it.
struct Listed {
  std::string name, description;
  std::filesystem::path path;
  std::string problem;                ///< "" = none
  std::filesystem::path shadowed_by;  ///< of the same name, in an earlier folder: this one is not used; "" = none
  Instrument instrument{};            ///< where there is no problem
};
[[nodiscard]] std::vector<Listed> list_instruments(const std::vector<std::filesystem::path>& folders);

/// One profile by its name, or by the path of its file (with a '/' or ending in .yaml).
struct FoundInstrument {
  std::optional<Instrument> instrument;
  std::vector<Finding> findings;  ///< if there is none
};
/// @param asked_by  where the name was given, in findings
[[nodiscard]] FoundInstrument find_instrument(const std::string& name, const std::vector<std::filesystem::path>& folders,
                                              const std::string& asked_by = "--try");

using mth5::format_duration;
using mth5::parse_duration;

/// "32MiB", "0.5GiB"; units B KiB MiB GiB TiB. nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_bytes(std::string_view text);
/// In the largest unit that needs no decimals.
[[nodiscard]] std::string format_bytes(std::int64_t bytes);
/// "11.8V"; nullopt for anything else.
[[nodiscard]] std::optional<double> parse_volts(std::string_view text);
[[nodiscard]] std::string format_volts(double volts);

/// Fills "{station}_{start:%Y…}.h5" and "sr{rate}_{index:04}". Keys: station, survey, start (strftime: %Y %y
/// %m %d %j %H %M %S %F %T), rate ("1", "24k", "0p5"), index (04 = at least four digits).
/// @returns the text, or what is wrong with the pattern
struct Expansion {
  std::string text;
  std::string problem;  ///< "" = good
};
struct PatternValues {
  std::string survey, station;
  mth5::UtcNanos start{};
  double sample_rate = 1;
  int index = 1;
};
[[nodiscard]] Expansion expand(std::string_view pattern, const PatternValues& values);

}  // namespace daq::config
