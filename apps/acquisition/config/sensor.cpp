#include "acquisition/config/sensor.hpp"

#include <algorithm>
#include <functional>

#include "acquisition/config/tables.hpp"

namespace daq::config {

void read_sensor(MapReader& map, ChannelProfile& channel, Report& report) {
  SensorKeys keys{channel.clip_limits};
  sensor_keys().read(map, keys);
  channel.clip_limits = keys.clip_limits;
  const Node* noise = map.take("noise", Node::Kind::Map);
  if (noise == nullptr) return;
  MapReader inner{*noise, map.path("noise"), report, false};
  NoiseKeys curve;
  noise_keys().read(inner, curve);
  inner.finish();
  if (curve.f.empty() || curve.asd.empty()) return;  // reported
  if (curve.f.size() != curve.asd.size()) {
    map.problem(*noise, "noise",
                "f has " + std::to_string(curve.f.size()) + " numbers and asd " + std::to_string(curve.asd.size()) +
                    "; each frequency has one value");
  } else if (std::adjacent_find(curve.f.begin(), curve.f.end(), std::greater_equal<>{}) != curve.f.end()) {
    map.problem(*noise, "noise.f", "must grow from one number to the next");
  } else {
    channel.noise.clear();
    for (std::size_t i = 0; i < curve.f.size(); ++i) channel.noise.push_back({curve.f[i], curve.asd[i]});
  }
}

}  // namespace daq::config
