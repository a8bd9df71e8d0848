#pragma once

#include <string>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/config/keys.hpp"

/// The tables of all sections of mth5d.yaml and of profiles. A new key is a member of its struct and a row here.
namespace daq::config {

[[nodiscard]] const Section<Config>& top_keys();
[[nodiscard]] const Section<Config>& flush_keys();
[[nodiscard]] const Section<Config>& sync_keys();
[[nodiscard]] const Section<Output>& output_keys();
[[nodiscard]] const Section<Output>& roll_keys();
[[nodiscard]] const Section<Gap>& gap_keys();
[[nodiscard]] const Section<Clock>& clock_keys();

[[nodiscard]] const Section<Source>& source_keys();
[[nodiscard]] const Section<Source>& reconnect_keys();
[[nodiscard]] const Section<Commands>& commands_keys();
[[nodiscard]] const Section<StartCommand>& start_command_keys();
[[nodiscard]] const Section<PeriodicCommand>& periodic_command_keys();
[[nodiscard]] const Section<Simulated>& simulate_keys();
[[nodiscard]] const Section<SimulatedAnswer>& simulated_answer_keys();
[[nodiscard]] const Section<Serial>& serial_keys();
[[nodiscard]] const Section<Tcp>& tcp_keys();
[[nodiscard]] const Section<TcpListen>& tcp_listen_keys();
[[nodiscard]] const Section<Udp>& udp_keys();
[[nodiscard]] const Section<SeedLink>& seedlink_keys();
[[nodiscard]] const Section<Http>& http_keys();
[[nodiscard]] const Section<ReplayFile>& file_keys();
[[nodiscard]] const Section<Gpsd>& gpsd_keys();
[[nodiscard]] const Section<Chrony>& chrony_keys();

[[nodiscard]] const Section<Instrument>& profile_keys();
[[nodiscard]] const Section<decode::TextFormat>& text_keys();
[[nodiscard]] const Section<decode::DatacastFormat>& datacast_keys();
[[nodiscard]] const Section<decode::MiniSeedFormat>& miniseed_keys();
[[nodiscard]] const Section<SohProfile>& soh_keys();
/// What a profile says of a channel beside its attributes.
struct ChannelKeys {
  std::string type, dtype = "float64";
  std::optional<double> fill;
  std::string divided_by = "none";
};
[[nodiscard]] const Section<ChannelKeys>& channel_keys();
/// What a profile or a site knows of the sensor of a channel.
struct SensorKeys {
  std::optional<ClipLimits> clip_limits;
};
[[nodiscard]] const Section<SensorKeys>& sensor_keys();
struct NoiseKeys {
  std::vector<double> f, asd;
};
[[nodiscard]] const Section<NoiseKeys>& noise_keys();
/// What an item of `filters` of a channel says, but its tables.
struct FilterKeys {
  std::string name, kind = "coefficient", units_in, units_out, gain = "1", file, phase = "degrees", comments;
  double normalization_factor = 1;
};
[[nodiscard]] const Section<FilterKeys>& filter_keys();
[[nodiscard]] const Section<decode::TextAnswer>& text_answer_keys();

/// An input of a source: the key, and what reads its map; nullptr: of a later version.
struct InputKind {
  std::string_view name;
  Input (*read)(const Node& map, const std::string& path, Report& report);
};
[[nodiscard]] const std::vector<InputKind>& input_kinds();

}  // namespace daq::config
