# OpenSMTPD has its places compiled in: in a mount namespace of its own they are empty
# folders, and its two users are in a copy of the system's. Nothing outside changes.
set -e
mount --make-rprivate /
mount --bind $folder/passwd /etc/passwd
mount --bind $folder/group /etc/group
mount -t tmpfs tmpfs /var/spool
mkdir -m 711 /var/spool/smtpd
mount -t tmpfs tmpfs /var/lib
mkdir -p /var/lib/opensmtpd/empty
mount -t tmpfs tmpfs /run
exec $smtpd -d -f $folder/smtpd.conf
