import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { qrCodeOf } from '../qr.code.ts';

/** A QR code, dark on white in both appearances, because cameras read it best so. `label` is for screen readers. */
export function QrPicture({ content, label }: { content: string; label: string }) {
  const { data } = useQuery({
    queryKey: ['qr', content],
    queryFn: () => qrCodeOf(content),
    gcTime: 0,
    staleTime: Infinity,
  });
  if (data === undefined) return <Skeleton height={192} width={192} />;
  return (
    <svg viewBox={`0 0 ${data.size} ${data.size}`} width={192} height={192} role="img" aria-label={label}>
      <rect width={data.size} height={data.size} fill="#ffffff" />
      <path d={data.path} fill="#000000" />
    </svg>
  );
}
