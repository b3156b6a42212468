// Keeps the camera's stream on the server while the camera is there, and tries again quickly while it is not.
#pragma once

#include "camera.hh"

class CameraLink {
 public:
  CameraLink(UsageEnvironment& env, ViewerServer& server, std::string id, CameraConfig config, Log& log);
  ~CameraLink();
  CameraLink(CameraLink const&) = delete;
  CameraLink& operator=(CameraLink const&) = delete;

  // Looks after the link; call a few times a second.
  void tick();

 private:
  using Time = Clock::time_point;
  void watchOpening(Time now);
  void watchStream(Time now);
  void publish(Time now);
  void drop(Time now, Trouble trouble, std::string reason);
  void end();
  void drainSoon();
  static void drainNow(void* self);
  Seconds pause(Trouble trouble);

  UsageEnvironment& env_;
  ViewerServer& server_;
  std::string const id_;
  CameraConfig const config_;
  Log& log_;

  CameraSession* session_ = nullptr;  // LIVE555 counts its users; end() gives it up
  bool published_ = false;
  Time opened_;
  Time nextTry_;
  Trouble lastTrouble_ = Trouble::none;
  unsigned failures_ = 0;  // of the same kind, one after the other

  unsigned long packets_ = 0;
  Time lastPacket_;
  Time playingSince_;
  bool playing_ = false;
  Time probed_;
  bool probing_ = false;
  TaskToken draining_ = nullptr;
};
